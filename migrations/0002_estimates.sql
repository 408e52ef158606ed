ALTER TABLE `conversion_jobs` ADD `waiting_estimate` integer;--> statement-breakpoint
ALTER TABLE `conversion_jobs` ADD `waiting_estimate_error` integer;--> statement-breakpoint
ALTER TABLE `conversion_jobs` ADD `processing_estimate` integer;--> statement-breakpoint
ALTER TABLE `conversion_jobs` ADD `processing_estimate_error` integer;