#!/bin/bash
kubectl apply -f - <<'END'
apiVersion: v1
kind: PersistentVolume
metadata: {name: {{pv}}}
spec:
  capacity: {storage: {{size}}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: {{class}}
  hostPath: {path: {{path}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: {{pvc}}, namespace: {{ns}}}
spec:
  accessModes: [ReadWriteMany]
  storageClassName: {{class}}
  resources: {requests: {storage: {{size}}}}
END
sleep 10
