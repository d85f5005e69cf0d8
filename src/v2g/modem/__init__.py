"""A simulated QCA7000: modems that answer their hosts and a power line that joins them, pure; and a shell
that puts them behind veth interfaces."""
