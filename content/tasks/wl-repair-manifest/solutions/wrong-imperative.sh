#!/bin/bash
kubectl -n {{ns}} create deployment {{app}} --image=nginx:1.27 --replicas={{replicas}}
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
