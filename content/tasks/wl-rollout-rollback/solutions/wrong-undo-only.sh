#!/bin/bash
kubectl -n {{ns}} rollout undo deployment {{app}}
mkdir -p /opt/{{app}}
echo {{good}} > /opt/{{app}}/image
