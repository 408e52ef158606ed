/** How a Worker's process says that it takes requests. */
export const READY = 'chaos: ready'
