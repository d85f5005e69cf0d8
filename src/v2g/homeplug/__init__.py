"""HomePlug AV and Green PHY management frames, and what Qualcomm's modems add to them. Bytes in, bytes
out."""
