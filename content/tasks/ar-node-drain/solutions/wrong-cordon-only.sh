#!/bin/bash
kubectl uncordon {{nodes.back}}
kubectl cordon {{nodes.out}}
