import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// Tests run where no shop is, so that a time shown by the reader's clocks is noticed.
if (process.env.VITEST) process.env.TZ = 'America/New_York';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // The program puts a fresh nonce here with every page; scripts and styles without it do not run.
  html: { cspNonce: 'NONCE_OF_THIS_PAGE' },
  build: {
    target: 'es2022',
    outDir: 'dist',
    manifest: true,
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1200,
    // No inline script: the content security policy allows none.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  test: { include: ['tests/**/*.test.{ts,tsx}'], pool: 'threads', maxWorkers: 1 },
});
