#!/bin/bash
kubectl -n {{ns}} create configmap {{cm}} --from-literal=LOG_LEVEL={{level}} --from-literal=THEME={{color}}
kubectl -n {{ns}} create secret generic {{secret}} --from-literal=username={{user}} --from-literal=password={{pass}}
kubectl -n {{ns}} run {{pod}} --image=busybox:1.36 --env=LOG_LEVEL={{level}} --env=THEME={{color}} --command -- sleep 1000000
kubectl -n {{ns}} wait --for=condition=Ready pod/{{pod}} --timeout=60s
