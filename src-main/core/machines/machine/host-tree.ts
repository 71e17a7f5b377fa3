import { TreeBuilder, type TreeNode } from '../filesystem/index.ts';
import { baseSystem } from '../tools/index.ts';

let tree: TreeNode | undefined;

/** The files of an Ubuntu 24.04 server, shared by every machine. */
export function hostTree(): TreeNode {
  tree ??= build();
  return tree;
}

function build(): TreeNode {
  const builder = new TreeBuilder(Date.UTC(2026, 0, 1), baseSystem('ubuntu').tree);
  for (const path of [
    '/etc/systemd/system',
    '/usr/lib/systemd/system',
    '/etc/sysctl.d',
    '/etc/cron.d',
    '/var/log/journal',
    '/home/ubuntu',
    '/root/.ssh',
    '/usr/local/sbin',
  ])
    builder.directory(path);
  builder
    .directory('/home/ubuntu', { mode: 0o750, uid: 1000, gid: 1000 })
    .file(
      '/etc/passwd',
      'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash\n',
    )
    .file(
      '/etc/group',
      'root:x:0:\ndaemon:x:1:\ntty:x:5:\nsudo:x:27:ubuntu\nusers:x:100:\nubuntu:x:1000:\nnogroup:x:65534:\n',
    )
    .file('/etc/shadow', 'root:*:20089:0:99999:7:::\nubuntu:!:20089:0:99999:7:::\n', {
      mode: 0o640,
    })
    .file('/etc/resolv.conf', 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n')
    .file('/etc/fstab', '/dev/sda1 / ext4 defaults 0 1\n')
    .file(
      '/etc/profile',
      'export PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\n',
    )
    .file('/etc/bash.bashrc', "PS1='${debian_chroot:+($debian_chroot)}\\u@\\h:\\w\\$ '\n")
    .file(
      '/root/.bashrc',
      "PS1='\\u@\\h:\\w\\$ '\nalias ll='ls -alF'\nalias la='ls -A'\nalias k=kubectl\n",
    )
    .file(
      '/root/.profile',
      'if [ -n "$BASH_VERSION" ] && [ -f ~/.bashrc ]; then\n  . ~/.bashrc\nfi\n',
    )
    .file('/home/ubuntu/.bashrc', "PS1='\\u@\\h:\\w\\$ '\nalias ll='ls -alF'\nalias k=kubectl\n", {
      uid: 1000,
      gid: 1000,
    })
    .file(
      '/home/ubuntu/.profile',
      'if [ -n "$BASH_VERSION" ] && [ -f ~/.bashrc ]; then\n  . ~/.bashrc\nfi\n',
      { uid: 1000, gid: 1000 },
    )
    .file('/usr/lib/systemd/system/multi-user.target', '[Unit]\nDescription=Multi-User System\n')
    .file(
      '/usr/lib/systemd/system/network-online.target',
      '[Unit]\nDescription=Network is Online\n',
    );
  return builder.build();
}
