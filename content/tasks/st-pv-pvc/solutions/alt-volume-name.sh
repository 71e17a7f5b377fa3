#!/bin/bash
cat > /tmp/storage.yaml <<'END'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: {{pvc}}, namespace: {{ns}}}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: {{class}}
  volumeName: {{pv}}
  resources: {requests: {storage: {{size}}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: {{pv}}}
spec:
  capacity: {storage: {{size}}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: {{class}}
  hostPath: {path: {{path}}}
END
kubectl create -f /tmp/storage.yaml
kubectl -n {{ns}} run {{pod}} --image=nginx:1.27 --overrides='{"spec":{"containers":[{"name":"{{pod}}","image":"nginx:1.27","volumeMounts":[{"name":"v","mountPath":"/data"}]}],"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"{{pvc}}"}}]}}'
kubectl -n {{ns}} wait --for=condition=Ready pod/{{pod}} --timeout=90s
kubectl -n {{ns}} exec {{pod}} -- bash -c 'echo hello > /data/hello.txt'
