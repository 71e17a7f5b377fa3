#!/bin/bash
kubectl drain {{nodes.out}} --ignore-daemonsets --delete-emptydir-data --timeout=60s
