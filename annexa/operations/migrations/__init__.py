"""The schema of the operations database, revision by revision, apart from the evidence's."""
