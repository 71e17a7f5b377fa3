#!/bin/bash
kubectl -n kube-system delete pod kube-scheduler-controlplane
kubectl -n {{ns}} rollout restart deployment {{app}}
sleep 20
