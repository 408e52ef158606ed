/** The web app: built into the folder that the API Worker serves as static assets. */
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `wrangler dev` listens unless told otherwise. */
const API = 'http://127.0.0.1:8787'

export default defineConfig({
	root: 'src/web',
	plugins: [react()],
	build: {
		outDir: '../../dist/web',
		emptyOutDir: true,
		target: 'es2022',
		// Everything is a file of its own: the page's security policy knows no inline code, and caches like it better.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		// Swagger UI is one piece, and on its own page.
		chunkSizeWarningLimit: 1_600,
		// Two pages: the app, and the API's, which nobody has to load who does not read it.
		rolldownOptions: { input: ['src/web/index.html', 'src/web/docs.html'] },
	},
	server: {
		proxy: { '/api': { target: API, ws: true }, '/openapi.json': API },
	},
})
