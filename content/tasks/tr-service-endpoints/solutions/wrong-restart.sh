#!/bin/bash
kubectl -n {{ns}} rollout restart deployment {{app}}
