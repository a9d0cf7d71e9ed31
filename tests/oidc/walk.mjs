// Walks through the provider's pages as a browser does: type a name, consent, and follow to the way back.
//
//   node walk.mjs URL NAME   prints the address that the provider sends the browser back to
const [start, name] = process.argv.slice(2);
const cookies = new Map();
let url = start;
let form;
for (let hop = 0; hop < 20; hop += 1) {
  const response = await fetch(url, {
    redirect: 'manual',
    method: form ? 'POST' : 'GET',
    body: form,
    headers: {
      // No connection that the other side may have closed meanwhile.
      connection: 'close',
      cookie: [...cookies].map(([key, value]) => `${key}=${value}`).join('; '),
    },
  });
  for (const line of response.headers.getSetCookie()) {
    const [pair] = line.split(';');
    cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
  }
  form = undefined;
  const location = response.headers.get('location');
  if (location) {
    url = new URL(location, url).href;
    if (new URL(url).origin !== new URL(start).origin || url.includes('/sign-in/provider')) {
      console.log(url);
      process.exit(0);
    }
    continue;
  }
  const page = await response.text();
  const action = page.match(/<form[^>]*action="([^"]+)"/)?.[1];
  if (!action) throw new Error(`${response.status} ${url}\n${page}`);
  const prompt = page.match(/name="prompt" value="([^"]+)"/)?.[1];
  form = new URLSearchParams(prompt === 'login' ? { prompt, login: name, password: 'any' } : { prompt });
  url = new URL(action, url).href;
}
throw new Error('it goes round and round');
