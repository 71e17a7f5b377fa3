#!/bin/bash
kubectl -n {{ns}} expose deployment {{app}} --name={{svc}} --type=NodePort --port={{port}} --target-port=80
