#!/bin/bash
ssh {{node}} "systemctl start kubelet && systemctl enable kubelet"
