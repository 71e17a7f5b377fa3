#!/bin/bash
sed -i -e 's/^appVersion:/apiVersion:/' -e 's/matchLables:/matchLabels:/' -e 's/ apps: / app: /' -e 's/contianers:/containers:/' /root/{{app}}.yaml
kubectl apply -f /root/{{app}}.yaml
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
