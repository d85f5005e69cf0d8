import com.siemens.ct.exi.core.context.GrammarContext;
import com.siemens.ct.exi.core.context.GrammarUriContext;
import com.siemens.ct.exi.core.datatype.Datatype;
import com.siemens.ct.exi.core.datatype.EnumerationDatatype;
import com.siemens.ct.exi.core.datatype.NBitUnsignedIntegerDatatype;
import com.siemens.ct.exi.core.grammars.event.Attribute;
import com.siemens.ct.exi.core.grammars.event.Characters;
import com.siemens.ct.exi.core.grammars.event.Event;
import com.siemens.ct.exi.core.grammars.event.StartElement;
import com.siemens.ct.exi.core.grammars.grammar.Grammar;
import com.siemens.ct.exi.core.grammars.grammar.SchemaInformedFirstStartTagGrammar;
import com.siemens.ct.exi.core.grammars.grammar.SchemaInformedStartTagGrammar;
import com.siemens.ct.exi.core.grammars.production.Production;
import com.siemens.ct.exi.grammars.GrammarFactory;
import java.io.PrintStream;
import java.io.StringReader;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;
import org.apache.xerces.xni.XMLResourceIdentifier;
import org.apache.xerces.xni.parser.XMLInputSource;

/**
 * Prints the grammars that EXIficient makes of schemas: {@code java -cp EXICodec.jar Grammars.java FILE.xsd...}.
 *
 * Lines of fields between tabs:
 *   schema FILE                            what follows is of this schema
 *   uri URI                                a partition of the string table, followed by
 *   name LOCAL                             its names
 *   document|fragment EVENT                the productions of the document's or fragment's content
 *   state NUMBER first|tag|content NEXT    a state and the number of its element content grammar, followed by
 *   production EVENT NEXT                  its productions: number of the state afterwards
 * EVENT: SE LOCAL URI NUMBER (of the element's first state), AT LOCAL URI TYPE, CH TYPE, or the name of the event's type.
 */
public final class Grammars {
    private static final Map<Grammar, Integer> NUMBERS = new IdentityHashMap<>();
    private static final Deque<Grammar> TODO = new ArrayDeque<>();

    private Grammars() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String file : arguments) {
            NUMBERS.clear();
            out.println("schema\t" + file);
            printAll(out, GrammarFactory.newInstance().createGrammars(file, Grammars::resolve));
        }
        out.flush();
    }

    private static void printAll(PrintStream out, com.siemens.ct.exi.core.grammars.Grammars made) throws Exception {
        GrammarContext context = made.getGrammarContext();
        for (int i = 0; i < context.getNumberOfGrammarUriContexts(); i++) {
            GrammarUriContext uri = context.getGrammarUriContext(i);
            out.println("uri\t" + uri.getNamespaceUri());
            for (int j = 0; j < uri.getNumberOfQNames(); j++) {
                out.println("name\t" + uri.getQNameContext(j).getLocalName());
            }
        }
        printContent(out, "document", made.getDocumentGrammar());
        printContent(out, "fragment", made.getFragmentGrammar());
        while (!TODO.isEmpty()) {
            print(out, TODO.poll());
        }
    }

    private static void printContent(PrintStream out, String what, Grammar start) {
        Grammar content = start.getProduction(0).getNextGrammar();
        for (int i = 0; i < content.getNumberOfEvents(); i++) {
            out.println(what + "\t" + told(content.getProduction(i).getEvent()));
        }
    }

    private static void print(PrintStream out, Grammar state) {
        boolean first = state instanceof SchemaInformedFirstStartTagGrammar;
        boolean tag = state instanceof SchemaInformedStartTagGrammar;
        int content = tag || first ? number(state.getElementContentGrammar()) : number(state);
        out.println("state\t" + number(state) + "\t" + (first ? "first" : tag ? "tag" : "content") + "\t" + content);
        for (int i = 0; i < state.getNumberOfEvents(); i++) {
            Production production = state.getProduction(i);
            Grammar next = production.getNextGrammar();
            out.println("production\t" + told(production.getEvent()) + "\t" + (next == null ? -1 : number(next)));
        }
    }

    private static int number(Grammar state) {
        Integer known = NUMBERS.get(state);
        if (known == null) {
            known = NUMBERS.size();
            NUMBERS.put(state, known);
            TODO.add(state);
        }
        return known;
    }

    private static String told(Event event) {
        if (event instanceof StartElement element) {
            String name = element.getQName().getLocalPart() + "\t" + element.getQName().getNamespaceURI();
            return "SE\t" + name + "\t" + number(element.getGrammar());
        }
        if (event instanceof Attribute attribute) {
            String name = attribute.getQName().getLocalPart() + "\t" + attribute.getQName().getNamespaceURI();
            return "AT\t" + name + "\t" + told(attribute.getDatatype());
        }
        if (event instanceof Characters characters) {
            return "CH\t" + told(characters.getDatatype());
        }
        return event.getEventType().toString();
    }

    private static String told(Datatype type) {
        StringBuilder text = new StringBuilder(type.getBuiltInType().toString());
        if (type instanceof NBitUnsignedIntegerDatatype bits) {
            text.append(" ").append(bits.getLowerBound()).append(" ").append(bits.getNumberOfBits());
        }
        if (type instanceof EnumerationDatatype values) {
            for (int i = 0; i < values.getEnumerationSize(); i++) {
                text.append(" ").append(values.getEnumValue(i));
            }
        }
        return text.toString();
    }

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
}
