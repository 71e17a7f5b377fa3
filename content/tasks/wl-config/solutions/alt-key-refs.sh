#!/bin/bash
kubectl -n {{ns}} apply -f - <<'END'
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{cm}}
data:
  LOG_LEVEL: {{level}}
  THEME: {{color}}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{secret}}
stringData:
  username: {{user}}
  password: {{pass}}
---
apiVersion: v1
kind: Pod
metadata:
  name: {{pod}}
spec:
  volumes:
  - name: secret-files
    secret:
      secretName: {{secret}}
      defaultMode: 256
  containers:
  - name: main
    image: busybox:1.36
    command: ["sh", "-c", "sleep 1000000"]
    env:
    - name: LOG_LEVEL
      valueFrom: {configMapKeyRef: {name: {{cm}}, key: LOG_LEVEL}}
    - name: THEME
      valueFrom: {configMapKeyRef: {name: {{cm}}, key: THEME}}
    volumeMounts:
    - name: secret-files
      mountPath: /etc/login
      readOnly: true
END
kubectl -n {{ns}} wait --for=condition=Ready pod/{{pod}} --timeout=60s
