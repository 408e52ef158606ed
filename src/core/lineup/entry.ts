/**
 * What documents say to the lineup, and what they hear.
 *
 * Words cross a deploy: whatever is added here needs a default, since an object of an older release may send it.
 */
import { z } from 'zod'
import { PDF } from '../format.ts'
import { prioritySchema } from '../snapshot.ts'

/** A document says how many converters its job wants from now on. */
export const wantSchema = z.object({
	documentId: z.string(),
	jobId: z.string(),
	/** Whose document it is: those of one owner keep a distance, so that they do not push aside everybody else's. */
	owner: z.string().default(''),
	priority: prioritySchema,
	/** What kind of document it is: it decides which converters can take it. */
	format: z.string().default(PDF),
	want: z.int().nonnegative(),
	/** Whether people can look at a page of this job already. */
	firstPageOut: z.boolean().default(false),
	/** Of two words the one with the higher `seq` wins. */
	seq: z.int(),
	/** Whether somebody looks on, and wants to hear when the place changes. */
	watched: z.boolean().default(false),
})
export type Want = z.infer<typeof wantSchema>

/** Somebody who waits. */
export const entrySchema = wantSchema.omit({ watched: true }).extend({
	/** When it came, as far as the order goes. Milliseconds since the epoch. */
	arrival: z.number(),
})
export type Entry = z.infer<typeof entrySchema>

/** Where somebody stands who waits. */
export const placeSchema = z.object({
	/** 1 is next, among those of the same format. */
	position: z.int().positive(),
	/** Milliseconds until a converter comes; null when that cannot be told. */
	wait: z.number().nonnegative().nullable(),
	/** Milliseconds that a converter stays with a document, recently; null when that cannot be told. */
	turn: z.number().nonnegative().nullable(),
	isPaused: z.boolean(),
})
export type Place = z.infer<typeof placeSchema>
