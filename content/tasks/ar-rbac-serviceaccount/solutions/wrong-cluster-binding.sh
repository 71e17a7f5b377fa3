#!/bin/bash
kubectl -n {{ns}} create serviceaccount {{sa}}
kubectl -n {{ns}} create role {{role}} --verb=get,list,watch,{{extra}} --resource={{resource.ref}}
kubectl create clusterrole {{role}} --verb=get,list,watch,{{extra}} --resource={{resource.ref}}
kubectl create clusterrolebinding {{sa}} --clusterrole={{role}} --serviceaccount={{ns}}:{{sa}}
