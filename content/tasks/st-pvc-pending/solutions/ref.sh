#!/bin/bash
kubectl -n {{ns}} scale deployment {{app}} --replicas=0
kubectl -n {{ns}} delete pvc {{pvc}}
kubectl -n {{ns}} apply -f - <<'END'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: {{pvc}}}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: slow
  resources: {requests: {storage: 1Gi}}
END
kubectl -n {{ns}} scale deployment {{app}} --replicas=1
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
