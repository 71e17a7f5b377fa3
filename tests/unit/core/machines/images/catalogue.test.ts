import { describe, expect, it } from 'vitest';
import {
  createCatalogue,
  parseReference,
  standardImages,
} from '../../../../../src-main/core/machines/images/index.ts';

describe('references', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['kiamol/ch02-hello-kiamol', 'docker.io/kiamol/ch02-hello-kiamol:latest'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    [`nginx@sha256:${'a'.repeat(64)}`, `docker.io/library/nginx@sha256:${'a'.repeat(64)}`],
  ])('%s is %s', (text, canonical) => {
    expect(parseReference(text).canonical).toBe(canonical);
  });

  it.each([
    ['Nginx:1.27', 'invalid reference format: repository name (library/Nginx) must be lowercase'],
    ['nginx:', 'invalid reference format'],
    ['nginx:a b', 'invalid reference format'],
    ['', 'invalid reference format'],
  ])('%s is refused', (text, message) => {
    expect(() => parseReference(text)).toThrow(message);
  });
});

describe('the catalogue', () => {
  const catalogue = createCatalogue(standardImages);

  it.each([
    'nginx',
    'nginx:1.14.2',
    'nginx:1.29-alpine',
    'nginx:alpine',
    'nginx:stable',
    'httpd:2.4',
    'busybox:1.28',
    'redis:alpine',
    'registry.k8s.io/e2e-test-images/agnhost:2.40',
    'registry.k8s.io/e2e-test-images/agnhost:2.63.0',
    'registry.k8s.io/e2e-test-images/busybox:1.37.0-1',
    'registry.k8s.io/e2e-test-images/nginx:1.15-4',
    'perl:5.34.0',
    'mysql:8.0',
    'postgres:16',
    'mongo',
    'registry.k8s.io/pause:3.10.1',
    'kiamol/ch02-hello-kiamol',
    'gcr.io/google_samples/gb-frontend:v3',
    'quay.io/fluentd_elasticsearch/fluentd:v5.0.1',
    'fluentd',
    'registry.k8s.io/nginx-slim:0.8',
    'registry.k8s.io/nginx-slim:0.24',
    'polinux/stress',
    'vish/stress',
    'curlimages/curl',
    'hashicorp/http-echo:0.2.3',
    'nicolaka/netshoot',
    'ubuntu:22.04',
    'debian',
    'python:3.12',
    'node:20',
    'gcr.io/google-samples/hello-app:1.0',
  ])('has %s', (reference) => {
    expect(catalogue.find(reference)?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('gives the tags of one image one digest and finds it by it', () => {
    const digest = catalogue.find('nginx:1.27')?.digest ?? '';
    expect(catalogue.find('nginx:1.27.5')?.digest).toBe(digest);
    expect(catalogue.find('nginx:1.26')?.digest).not.toBe(digest);
    expect(catalogue.find(`nginx@${digest}`)?.image.env['NGINX_VERSION']).toBe('1.27.5');
  });

  it('tells an unknown tag from an unknown repository', () => {
    expect(catalogue.find('nginx:9.99')).toBeUndefined();
    expect(catalogue.hasRepository('docker.io/library/nginx')).toBe(true);
    expect(catalogue.hasRepository('docker.io/library/nosuch')).toBe(false);
  });
});
