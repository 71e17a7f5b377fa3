#!/usr/bin/env node
// `npx kijabi …` in the checkout.
process.argv.splice(2, 0, 'cli');
await import('./launch.mjs');
