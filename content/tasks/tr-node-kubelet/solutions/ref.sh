#!/bin/bash
ssh {{node}} systemctl enable --now kubelet
