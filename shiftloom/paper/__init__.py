"""The experiments of Khaliq & Hafiz (arXiv:2407.11260), measured in integers: a file each."""
