#!/bin/bash
kubectl cordon {{node}}
ssh {{node}} systemctl restart containerd
