#!/bin/bash
kubectl -n {{ns}} create serviceaccount {{sa}}
kubectl -n {{ns}} create rolebinding {{sa}} --clusterrole=view --serviceaccount={{ns}}:{{sa}}
