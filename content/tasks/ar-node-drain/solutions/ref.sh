#!/bin/bash
kubectl uncordon {{nodes.back}}
kubectl drain {{nodes.out}} --ignore-daemonsets --delete-emptydir-data
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
