#!/bin/bash
kubectl taint node {{nodes.own}} {{key}}={{value}}:NoSchedule
kubectl label node {{nodes.own}} {{key}}={{value}}
kubectl -n {{ns}} patch deployment {{app}} --patch '
spec:
  template:
    spec:
      tolerations:
      - {key: {{key}}, operator: Equal, value: {{value}}, effect: NoSchedule}
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
            - matchExpressions:
              - {key: {{key}}, operator: In, values: [{{value}}]}
'
kubectl -n {{ns}} rollout restart deployment {{other}}
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
kubectl -n {{ns}} rollout status deployment {{other}} --timeout=120s
sleep 35
