"""Problems that come back: clusters in place and time, and cells with more than their neighbourhood's share."""
