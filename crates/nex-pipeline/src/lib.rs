//! NexGAP: execution and export as resumable stages over a run folder.
