#!/bin/bash
kubectl taint node {{nodes.own}} {{key}}={{value}}:NoSchedule
kubectl label node {{nodes.own}} {{key}}={{value}}
kubectl -n {{ns}} patch deployment {{app}} -p '{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"{{key}}","operator":"Exists"}]}]}}}}}}}'
kubectl -n {{ns}} rollout restart deployment {{other}}
sleep 60
