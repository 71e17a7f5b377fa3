#!/bin/bash
kubectl run {{pod}} --image={{image}} --overrides='{"spec":{"nodeName":"{{node}}"}}'
sleep 10
