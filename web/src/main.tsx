import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startLanguage } from './app/language';
import { Providers } from './app/Providers';
import { router, warmUp } from './app/router';
import { signStyles } from './lib/nonce';
import './app/app.css';

const root = document.getElementById('root');
if (!root) throw new Error('no #root');

signStyles();
const words = startLanguage();
warmUp(location.pathname);
void words.then(() => {
  createRoot(root).render(
    <StrictMode>
      <Providers>
        <RouterProvider router={router} />
      </Providers>
    </StrictMode>,
  );
});
