#!/bin/bash
kubectl -n {{ns}} get pvc {{pvc}} -o yaml > /tmp/pvc.yaml
sed -i -e 's/ReadWriteMany/ReadWriteOnce/' -e 's/storageClassName: .*/storageClassName: slow/' -e 's/storage: .*/storage: 2Gi/' /tmp/pvc.yaml
kubectl -n {{ns}} delete pvc {{pvc}} --wait=false
kubectl -n {{ns}} delete pods -l app={{app}}
sleep 10
kubectl -n {{ns}} get pvc {{pvc}} || sed -i -e '/resourceVersion/d' -e '/uid/d' /tmp/pvc.yaml
kubectl -n {{ns}} create -f /tmp/pvc.yaml
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=180s
