/** The package has no types of its own; this is what is used of it. */
declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
	export default function SwaggerUI(options: {
		url: string
		dom_id: string
		deepLinking: boolean
		docExpansion: 'list' | 'full' | 'none'
		defaultModelsExpandDepth: number
		displayRequestDuration: boolean
		persistAuthorization: boolean
		validatorUrl: null
	}): void
}
