import { mount } from 'svelte';
import { createRpcClient } from '#contract';
import App from './app/App.svelte';
import './app/theme.css';
import './app/base.css';
import { I18n } from './lib/i18n/index.ts';
import { openPort, probe } from './lib/rpc/index.ts';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');

mount(App, {
  target,
  props: {
    i18n: new I18n(navigator.languages),
    connect: async () => createRpcClient(await openPort()),
    probe,
  },
});
