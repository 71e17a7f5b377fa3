#!/bin/bash
kubectl -n {{ns}} patch deployment {{app}} -p '{"spec":{"template":{"spec":{"nodeName":"node01"}}}}'
sleep 20
