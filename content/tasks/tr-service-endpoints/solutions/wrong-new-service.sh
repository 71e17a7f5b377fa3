#!/bin/bash
kubectl -n {{ns}} expose deployment {{app}} --name {{app}}-2 --port 80
