#!/bin/bash
ssh {{node}} systemctl start kubelet
