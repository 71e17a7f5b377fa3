#!/bin/bash
kubectl -n {{ns}} delete deployment {{app}}
kubectl -n {{ns}} create deployment {{app}} --image={{next}} --replicas={{replicas}}
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
