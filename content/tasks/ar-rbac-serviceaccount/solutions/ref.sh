#!/bin/bash
kubectl -n {{ns}} create serviceaccount {{sa}}
kubectl -n {{ns}} create role {{role}} --verb=get,list,watch,{{extra}} --resource={{resource.ref}}
kubectl -n {{ns}} create rolebinding {{sa}} --role={{role}} --serviceaccount={{ns}}:{{sa}}
