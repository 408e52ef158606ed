/** The page of the API: Swagger UI on our own OpenAPI document. It is a page of its own, so the app does not carry it. */
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import 'swagger-ui-dist/swagger-ui.css'
import './styles/docs.css'

const dark = matchMedia('(prefers-color-scheme: dark)')

function follow(): void {
	document.documentElement.classList.toggle('dark-mode', dark.matches)
}

dark.addEventListener('change', follow)
follow()

SwaggerUI({
	url: '/openapi.json',
	dom_id: '#docs',
	deepLinking: true,
	docExpansion: 'list',
	defaultModelsExpandDepth: 0,
	displayRequestDuration: true,
	// A token that was typed in here ends with the page.
	persistAuthorization: false,
	// Nobody else is asked whether the document is good.
	validatorUrl: null,
})
