import type { Programs } from '../program-io.ts';
import { busyboxHttpd } from '../programs/http-service.ts';
import type { Image } from '../types.ts';
import { curl } from './curl.ts';
import { bindNslookup, busyboxNslookup, dig, host } from './dns-tools.ts';
import { busyboxNetcat, getent, hostname, openbsdNetcat, ping, telnet } from './sockets.ts';
import { busyboxWget, gnuWget } from './wget.ts';

/** The network applets of busybox, by path. */
export const busyboxNetworkTools: Programs = {
  '/bin/wget': busyboxWget,
  '/bin/nc': busyboxNetcat,
  '/bin/nslookup': busyboxNslookup,
  '/bin/ping': ping,
  '/bin/telnet': telnet,
  '/bin/hostname': hostname,
  '/usr/sbin/httpd': busyboxHttpd,
};

/** What Debian's slim images have of network tools. */
export const debianNetworkTools: Programs = {
  '/bin/hostname': hostname,
  '/usr/bin/getent': getent,
};

/** What agnhost installs beside busybox: curl, bind's tools, OpenBSD's netcat. */
export const agnhostNetworkTools: Programs = {
  '/usr/bin/curl': curl,
  '/usr/bin/nc': openbsdNetcat,
  '/usr/bin/nslookup': bindNslookup,
  '/usr/bin/dig': dig,
  '/usr/bin/host': host,
};

/** Everything of the kind that a full host or a debugging image has. */
export const fullNetworkTools: Programs = {
  '/usr/bin/curl': curl,
  '/usr/bin/wget': gnuWget,
  '/usr/bin/nc': openbsdNetcat,
  '/usr/bin/netcat': openbsdNetcat,
  '/usr/bin/telnet': telnet,
  '/usr/bin/nslookup': bindNslookup,
  '/usr/bin/dig': dig,
  '/usr/bin/host': host,
  '/usr/bin/ping': ping,
  '/usr/bin/getent': getent,
  '/usr/bin/hostname': hostname,
};

/** The network tools that an image of this base has beside its small tools. */
export function baseNetworkTools(base: Image['base']): Programs {
  switch (base) {
    case 'busybox':
      return busyboxNetworkTools;
    case 'alpine':
      return { ...busyboxNetworkTools, '/usr/bin/getent': getent };
    case 'debian':
      return debianNetworkTools;
    case 'none':
      return {};
  }
}
