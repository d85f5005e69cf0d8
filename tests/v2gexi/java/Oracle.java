import com.siemens.ct.exi.core.EXIFactory;
import com.siemens.ct.exi.core.grammars.Grammars;
import com.siemens.ct.exi.core.coder.AbstractEXIBodyEncoder;
import com.siemens.ct.exi.core.exceptions.EXIException;
import com.siemens.ct.exi.core.helpers.DefaultEXIFactory;
import com.siemens.ct.exi.core.values.StringValue;
import com.siemens.ct.exi.core.values.Value;
import com.siemens.ct.exi.grammars.GrammarFactory;
import com.siemens.ct.exi.main.api.sax.SAXDecoder;
import com.siemens.ct.exi.main.api.sax.SAXEncoder;
import com.siemens.ct.exi.main.cmd.EXICodec;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.SAXParserFactory;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.SchemaFactory;
import javax.xml.validation.Validator;
import org.apache.xerces.dom.DOMInputImpl;
import org.apache.xerces.util.XMLResourceIdentifierImpl;
import org.apache.xerces.xni.XMLResourceIdentifier;
import org.apache.xerces.xni.parser.XMLInputSource;
import org.xml.sax.Attributes;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.XMLReader;
import org.xml.sax.helpers.DefaultHandler;

/**
 * EXIficient behind a pipe, started with {@code java -cp EXICodec.jar Oracle.java}.
 *
 * A request on stdin: number of fields (one byte), then each field: length (4 bytes, big endian) and bytes. An answer on
 * stdout: 0 (done) or 1 (refused), bytes left unread (4), length (4) and bytes: the result, or the refusal as text.
 *
 *   schema NAME FILE               grammars of an XSD; NAME then stands for them
 *   builtin NAME CLASS             grammars that the jar carries as a class
 *   options NAME VALUES            VALUES "no-string-table" or "": what decode and encode with NAME do
 *   decode NAME document EXI       XML on one line, all prefixes declared at the root; or NAME fragment EXI
 *   encode NAME document XML       EXI without options in the header; or NAME fragment XML
 *   validate NAME XML              whether the XML is valid after the XSD: the first violation
 *   json-encode NAMESPACE JSON     the interface that the iso15118 package uses
 *   json-decode NAMESPACE EXI
 *
 * XML cannot tell an element without content from one whose content is the empty string. EXI can: in the XML of
 * decode and encode the processing instruction {@code <?empty?>} stands for an empty string.
 */
public final class Oracle {
    private final Map<String, EXIFactory> factories = new HashMap<>();
    private final Map<String, String> files = new HashMap<>();
    private final Map<String, Validator> validators = new HashMap<>();
    private final XMLReader reader;
    private EXICodec codec;

    private Oracle() throws Exception {
        SAXParserFactory parsers = SAXParserFactory.newInstance();
        parsers.setNamespaceAware(true);
        reader = parsers.newSAXParser().getXMLReader();
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err); // the jar writes remarks to standard output
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(answers, 1 << 16));
        Oracle oracle = new Oracle();
        while (true) {
            List<byte[]> fields = new ArrayList<>();
            try {
                for (int left = in.readUnsignedByte(); left > 0; left--) {
                    byte[] field = new byte[in.readInt()];
                    in.readFully(field);
                    fields.add(field);
                }
            } catch (EOFException done) {
                return;
            }
            int[] unread = {0};
            byte[] result;
            int status = 0;
            try {
                result = oracle.answer(fields, unread);
            } catch (Throwable error) {
                status = 1;
                result = reason(error).getBytes("UTF-8");
            }
            out.writeByte(status);
            out.writeInt(unread[0]);
            out.writeInt(result.length);
            out.write(result);
            if (System.in.available() == 0 && in.available() == 0) {
                out.flush();
            }
        }
    }

    private static String reason(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable each = error; each != null && each != each.getCause(); each = each.getCause()) {
            text.append(text.length() == 0 ? "" : " <- ").append(each.getClass().getSimpleName());
            if (each.getMessage() != null) {
                text.append(": ").append(each.getMessage().replaceAll("\\s+", " "));
            }
        }
        return text.toString();
    }

    private byte[] answer(List<byte[]> fields, int[] unread) throws Exception {
        String command = text(fields.get(0));
        String name = text(fields.get(1));
        byte[] last = fields.get(fields.size() - 1);
        switch (command) {
            case "schema":
                add(name, GrammarFactory.newInstance().createGrammars(text(last), Oracle::resolve));
                files.put(name, text(last));
                return new byte[0];
            case "builtin":
                add(name, (Grammars) Class.forName(text(last)).getConstructor().newInstance());
                return new byte[0];
            case "options":
                int bound = text(last).equals("no-string-table") ? 0 : -1;
                factory(name, false).setValueMaxLength(bound);
                factory(name, false).setValuePartitionCapacity(bound);
                return new byte[0];
            case "decode":
                return decode(factory(name, text(fields.get(2)).equals("fragment")), last, unread);
            case "encode":
                return encode(factory(name, text(fields.get(2)).equals("fragment")), last);
            case "validate":
                validator(name).validate(new StreamSource(new ByteArrayInputStream(last)));
                return new byte[0];
            case "json-encode":
                byte[] exi = codec().encode(text(last), name);
                return done(exi, codec().get_last_encoding_error());
            case "json-decode":
                String json = codec().decode(last, name);
                return done(json == null ? null : json.getBytes("UTF-8"), codec().get_last_decoding_error());
            default:
                throw new IOException("no such command: " + command);
        }
    }

    /** Some of the schemas name a file beside them that lies in the folder above; the DTD of XML Schema is not read. */
    private static XMLInputSource resolve(XMLResourceIdentifier wanted) {
        String id = wanted.getExpandedSystemId();
        if (id == null) {
            return null;
        }
        if (id.endsWith(".dtd")) {
            return new XMLInputSource(null, id, null, new StringReader(""), null);
        }
        Path file = Path.of(URI.create(id));
        Path above = file.getParent().resolveSibling(file.getFileName());
        return new XMLInputSource(null, (Files.exists(file) ? file : above).toUri().toString(), null);
    }

    private static String text(byte[] field) throws IOException {
        return new String(field, "UTF-8");
    }

    private static byte[] done(byte[] result, String error) throws IOException {
        if (result == null) {
            throw new IOException(error);
        }
        return result;
    }

    private EXICodec codec() {
        if (codec == null) {
            codec = new EXICodec();
        }
        return codec;
    }

    private void add(String name, Grammars grammars) {
        EXIFactory factory = DefaultEXIFactory.newInstance();
        factory.setGrammars(grammars);
        factories.put(name, factory);
    }

    private Validator validator(String name) throws Exception {
        if (!validators.containsKey(name)) {
            SchemaFactory schemas = SchemaFactory.newDefaultInstance();
            schemas.setResourceResolver((type, namespace, publicId, systemId, base) -> {
                String id = URI.create(base == null ? files.get(name) : base).resolve(systemId).toString();
                XMLInputSource found = resolve(new XMLResourceIdentifierImpl(publicId, systemId, base, id));
                DOMInputImpl input = new DOMInputImpl(publicId, found.getSystemId(), base);
                input.setCharacterStream(found.getCharacterStream());
                return input;
            });
            validators.put(name, schemas.newSchema(new File(files.get(name))).newValidator());
        }
        return validators.get(name);
    }

    private EXIFactory factory(String name, boolean fragment) throws IOException {
        EXIFactory factory = factories.get(name);
        if (factory == null) {
            throw new IOException("no such schema: " + name);
        }
        factory.setFragment(fragment);
        return factory;
    }

    private byte[] encode(EXIFactory factory, byte[] xml) throws Exception {
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        Encoder encoder = new Encoder(factory);
        encoder.setOutputStream(stream);
        reader.setContentHandler(encoder);
        reader.parse(new InputSource(new ByteArrayInputStream(xml)));
        return stream.toByteArray();
    }

    private static byte[] decode(EXIFactory factory, byte[] exi, int[] unread) throws Exception {
        SAXDecoder decoder = new SAXDecoder(factory);
        OneLine line = new OneLine();
        decoder.setContentHandler(line);
        decoder.setFeature("http://xml.org/sax/features/namespace-prefixes", true);
        ByteArrayInputStream stream = new ByteArrayInputStream(exi);
        decoder.parse(new InputSource(stream));
        unread[0] = stream.available();
        return line.xml().getBytes("UTF-8");
    }

    /** EXIficient's encoder, which also takes an empty string. */
    private static final class Encoder extends SAXEncoder {
        private static final Method WRITE;

        static {
            try {
                // encodeCharacters() leaves out what is empty.
                WRITE = AbstractEXIBodyEncoder.class.getDeclaredMethod("encodeCharactersForce", Value.class);
                WRITE.setAccessible(true);
            } catch (NoSuchMethodException error) {
                throw new ExceptionInInitializerError(error);
            }
        }

        Encoder(EXIFactory factory) throws EXIException {
            super(factory);
        }

        @Override
        public void processingInstruction(String target, String data) throws SAXException {
            try {
                if (target.equals("empty")) {
                    WRITE.invoke(encoder, new StringValue(""));
                }
            } catch (ReflectiveOperationException error) {
                throw new SAXException(error);
            }
        }
    }

    /** Writes what it hears as XML whose prefixes are n0, n1, ... in the order of first use (xsi is xsi). */
    private static final class OneLine extends DefaultHandler {
        private static final String XSI = "http://www.w3.org/2001/XMLSchema-instance";
        private final StringBuilder text = new StringBuilder();
        private final Map<String, String> prefixes = new LinkedHashMap<>();
        private final Map<String, String> declared = new HashMap<>();
        private boolean open;
        private int declarations = -1;

        String xml() {
            StringBuilder names = new StringBuilder();
            for (Map.Entry<String, String> each : prefixes.entrySet()) {
                names.append(" xmlns:").append(each.getValue()).append("=\"");
                escape(names, each.getKey(), true);
                names.append('"');
            }
            return text.insert(Math.max(declarations, 0), names).toString();
        }

        @Override
        public void startPrefixMapping(String prefix, String uri) {
            declared.put(prefix, uri);
        }

        @Override
        public void startElement(String uri, String local, String qualified, Attributes attributes) {
            close();
            text.append('<').append(name(uri, local));
            if (declarations < 0) {
                declarations = text.length();
            }
            for (int i = 0; i < attributes.getLength(); i++) {
                String value = attributes.getValue(i);
                if (attributes.getURI(i).equals("http://www.w3.org/2000/xmlns/")) {
                    continue;
                }
                if (attributes.getURI(i).equals(XSI) && attributes.getLocalName(i).equals("type")) {
                    int colon = value.indexOf(':');
                    String type = declared.get(colon < 0 ? "" : value.substring(0, colon));
                    value = type == null ? "?" + value : name(type, value.substring(colon + 1));
                }
                text.append(' ').append(name(attributes.getURI(i), attributes.getLocalName(i))).append("=\"");
                escape(text, value, true);
                text.append('"');
            }
            open = true;
        }

        @Override
        public void endElement(String uri, String local, String qualified) {
            if (open) {
                text.append("/>");
                open = false;
            } else {
                text.append("</").append(name(uri, local)).append('>');
            }
        }

        @Override
        public void characters(char[] characters, int start, int length) {
            close();
            if (length == 0) {
                text.append("<?empty?>");
            }
            escape(text, new String(characters, start, length), false);
        }

        private void close() {
            if (open) {
                text.append('>');
                open = false;
            }
        }

        private String name(String uri, String local) {
            if (uri == null || uri.isEmpty()) {
                return local;
            }
            if (!prefixes.containsKey(uri)) {
                prefixes.put(uri, uri.equals(XSI) ? "xsi" : "n" + prefixes.size());
            }
            return prefixes.get(uri) + ":" + local;
        }

        private static void escape(StringBuilder out, String value, boolean attribute) {
            for (int i = 0; i < value.length(); i++) {
                char each = value.charAt(i);
                if (each == '&') {
                    out.append("&amp;");
                } else if (each == '<') {
                    out.append("&lt;");
                } else if (each == '>') {
                    out.append("&gt;");
                } else if (each == '"' && attribute) {
                    out.append("&quot;");
                } else if (each == '\r' || attribute && (each == '\n' || each == '\t')) {
                    out.append("&#").append((int) each).append(';');
                } else {
                    out.append(each);
                }
            }
        }
    }
}
