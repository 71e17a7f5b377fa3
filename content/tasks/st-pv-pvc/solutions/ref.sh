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
  hostPath: {path: {{path}}, type: DirectoryOrCreate}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: {{pvc}}, namespace: {{ns}}}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: {{class}}
  resources: {requests: {storage: {{size}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: {{pod}}, namespace: {{ns}}}
spec:
  containers:
  - name: web
    image: nginx:1.27
    volumeMounts: [{name: data, mountPath: /data}]
  volumes:
  - name: data
    persistentVolumeClaim: {claimName: {{pvc}}}
END
kubectl -n {{ns}} wait --for=condition=Ready pod/{{pod}} --timeout=90s
kubectl -n {{ns}} exec {{pod}} -- sh -c 'echo hello > /data/hello.txt'
