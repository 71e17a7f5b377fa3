#!/bin/bash
kubectl label node {{nodes.own}} {{key}}={{value}}
kubectl taint nodes {{nodes.own}} {{key}}={{value}}:NoSchedule
kubectl -n {{ns}} patch deployment {{app}} -p '{"spec":{"template":{"spec":{"tolerations":[{"key":"{{key}}","operator":"Exists"}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"{{key}}","operator":"Exists"}]}]}}}}}}}'
kubectl -n {{ns}} delete pods -l app={{other}} --wait=false
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
sleep 40
