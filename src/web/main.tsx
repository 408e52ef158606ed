import './zod-without-eval.ts'
import './styles/index.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App.tsx'
import { Session } from './session.ts'

const root = document.getElementById('app')
if (!root) throw new Error('The page has no #app')

// Before anything reads the address: a token in it is taken out at once.
const session = new Session()
void session.tryWithoutToken()

createRoot(root).render(
	<StrictMode>
		<App session={session} />
	</StrictMode>,
)
