#!/bin/bash
kubectl -n {{ns}} create configmap {{cm}} --from-literal=LOG_LEVEL={{level}} --from-literal=THEME={{color}}
kubectl -n {{ns}} create secret generic {{secret}} --from-literal=username={{user}} --from-literal=password={{pass}}
kubectl apply -f - <<'END'
apiVersion: v1
kind: Pod
metadata:
  name: {{pod}}
  namespace: {{ns}}
spec:
  containers:
  - name: {{pod}}
    image: busybox:1.36
    command: [sleep, "1000000"]
    envFrom:
    - configMapRef: {name: {{cm}}}
    volumeMounts:
    - {name: login, mountPath: /etc/login, readOnly: true}
  volumes:
  - name: login
    secret: {secretName: {{secret}}, defaultMode: 256}
END
kubectl -n {{ns}} wait --for=condition=Ready pod/{{pod}} --timeout=60s
