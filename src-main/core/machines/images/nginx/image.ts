import { curl } from '../clients/curl.ts';
import type { Image } from '../types.ts';
import { mimeTypesFile } from './mime.ts';
import { nginxEntrypoint, nginxProgram } from './nginx.ts';

/** Released versions, newest patch of each minor, and the moving tags that end in each. */
const releases: readonly { readonly version: string; readonly tags: readonly string[] }[] = [
  { version: '1.14.0', tags: ['1.14.0'] },
  { version: '1.14.1', tags: ['1.14.1'] },
  { version: '1.14.2', tags: ['1.14', '1.14.2'] },
  { version: '1.15.12', tags: ['1.15', '1.15.12'] },
  { version: '1.16.0', tags: ['1.16.0'] },
  { version: '1.16.1', tags: ['1.16', '1.16.1'] },
  { version: '1.17.10', tags: ['1.17', '1.17.10'] },
  { version: '1.18.0', tags: ['1.18', '1.18.0'] },
  { version: '1.19.0', tags: ['1.19.0'] },
  { version: '1.19.1', tags: ['1.19.1'] },
  { version: '1.19.10', tags: ['1.19', '1.19.10'] },
  { version: '1.20.2', tags: ['1.20', '1.20.2'] },
  { version: '1.21.0', tags: ['1.21.0'] },
  { version: '1.21.1', tags: ['1.21.1'] },
  { version: '1.21.6', tags: ['1.21', '1.21.6'] },
  { version: '1.22.1', tags: ['1.22', '1.22.1'] },
  { version: '1.23.0', tags: ['1.23.0'] },
  { version: '1.23.4', tags: ['1.23', '1.23.4'] },
  { version: '1.24.0', tags: ['1.24', '1.24.0'] },
  { version: '1.25.0', tags: ['1.25.0'] },
  { version: '1.25.1', tags: ['1.25.1'] },
  { version: '1.25.2', tags: ['1.25.2'] },
  { version: '1.25.3', tags: ['1.25.3'] },
  { version: '1.25.4', tags: ['1.25.4'] },
  { version: '1.25.5', tags: ['1.25', '1.25.5'] },
  { version: '1.26.0', tags: ['1.26.0'] },
  { version: '1.26.3', tags: ['1.26', '1.26.3'] },
  { version: '1.27.0', tags: ['1.27.0'] },
  { version: '1.27.1', tags: ['1.27.1'] },
  { version: '1.27.2', tags: ['1.27.2'] },
  { version: '1.27.3', tags: ['1.27.3'] },
  { version: '1.27.4', tags: ['1.27.4'] },
  { version: '1.27.5', tags: ['1.27', '1.27.5'] },
  { version: '1.28.0', tags: ['1.28', '1.28.0', 'stable', 'stable-bookworm'] },
  { version: '1.29.0', tags: ['1.29.0'] },
  { version: '1.29.1', tags: ['1.29.1'] },
  { version: '1.29.2', tags: ['1.29', '1.29.2', '1', 'latest', 'mainline', 'bookworm'] },
];

const page = (scheme: boolean): string => `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
${scheme ? 'html { color-scheme: light dark; }\nbody { width: 35em; margin: 0 auto;\nfont-family: Tahoma, Verdana, Arial, sans-serif; }' : '    body {\n        width: 35em;\n        margin: 0 auto;\n        font-family: Tahoma, Verdana, Arial, sans-serif;\n    }'}
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
`;

const errorPage = `<!DOCTYPE html>
<html>
<head>
<title>Error</title>
</head>
<body>
<h1>An error occurred.</h1>
<p>Sorry, the page you are looking for is currently unavailable.<br/>
Please try again later.</p>
</body>
</html>
`;

const mainConfig = `
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;


events {
    worker_connections  1024;
}


http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    #tcp_nopush     on;

    keepalive_timeout  65;

    #gzip  on;

    include /etc/nginx/conf.d/*.conf;
}
`;

const defaultServer = `server {
    listen       80;
    server_name  localhost;

    #access_log  /var/log/nginx/host.access.log  main;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    #error_page  404              /404.html;

    # redirect server error pages to the static page /50x.html
    #
    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
`;

function nginxImage(version: string, tags: readonly string[], alpine: boolean): Image {
  const minor = Number(version.split('.')[1]);
  const withScript = minor >= 19;
  return {
    repository: 'docker.io/library/nginx',
    tags: alpine ? tags.map((tag) => (tag === 'latest' ? 'alpine' : `${tag}-alpine`)) : tags,
    sizeBytes: alpine ? 20_500_000 + minor * 50_000 : 62_000_000 + minor * 400_000,
    entrypoint: withScript ? ['/docker-entrypoint.sh'] : [],
    command: ['nginx', '-g', 'daemon off;'],
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      NGINX_VERSION: alpine || minor > 18 ? version : `${version}-1~stretch`,
    },
    workingDirectory: '',
    user: '',
    stopSignal: minor >= 19 ? 'SIGQUIT' : 'SIGTERM',
    exposedPorts: ['80/tcp'],
    base: alpine ? 'alpine' : 'debian',
    files: {
      '/etc/nginx/nginx.conf': mainConfig,
      '/etc/nginx/mime.types': mimeTypesFile(),
      '/etc/nginx/conf.d/default.conf': defaultServer,
      '/usr/share/nginx/html/index.html': page(minor >= 21),
      '/usr/share/nginx/html/50x.html': errorPage,
      '/var/log/nginx/.keep': '',
      '/var/cache/nginx/.keep': '',
      ...(withScript ? { '/docker-entrypoint.d/20-envsubst-on-templates.sh': '#!/bin/sh\n' } : {}),
    },
    programs: {
      '/usr/sbin/nginx': nginxProgram(version),
      ...(minor >= 19 ? { '/usr/bin/curl': curl } : {}),
      ...(withScript ? { '/docker-entrypoint.sh': nginxEntrypoint } : {}),
    },
  };
}

/** The small nginx of Kubernetes' own tutorials. Its tags do not tell the nginx inside: near ones stand here. */
const slimReleases: typeof releases = [
  { version: '1.11.1', tags: ['0.8'] },
  { version: '1.21.6', tags: ['0.21', '0.24', '0.25', '0.26', '0.27'] },
];

/** `docker.io/library/nginx`, on Debian and on Alpine, and `registry.k8s.io/nginx-slim`. */
export const nginxImages: readonly Image[] = [
  ...releases.flatMap(({ version, tags }) => [
    nginxImage(version, tags, false),
    nginxImage(version, tags, true),
  ]),
  ...slimReleases.map(({ version, tags }) => ({
    ...nginxImage(version, tags, false),
    repository: 'registry.k8s.io/nginx-slim',
    sizeBytes: 41_000_000,
  })),
  // Upstream's own tests: the tags are older than the nginx inside.
  ...[
    { version: '1.27.5', tags: ['1.14-4', '1.15-4'] },
    { version: '1.28.0', tags: ['1.27-0'] },
  ].map(({ version, tags }) => ({
    ...nginxImage(version, [], true),
    repository: 'registry.k8s.io/e2e-test-images/nginx',
    tags,
  })),
];
