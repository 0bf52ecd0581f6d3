package people

// The most common names first; common knowledge of English-speaking countries.
const givenNames = `james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan joseph jessica thomas sarah charles karen christopher
lisa daniel nancy matthew betty anthony margaret mark sandra donald ashley steven kimberly paul emily andrew donna joshua michelle kenneth carol kevin amanda brian melissa george deborah
timothy stephanie ronald rebecca jason sharon edward laura jeffrey cynthia ryan dorothy jacob amy gary kathleen nicholas angela eric shirley jonathan emma stephen brenda larry pamela justin nicole
scott anna brandon samantha benjamin katherine samuel christine gregory helen alexander debra patrick rachel frank carolyn raymond janet jack maria dennis catherine jerry heather tyler diane
aaron olivia jose julie adam joyce nathan victoria henry ruth zachary virginia douglas lauren peter kelly kyle christina noah joan ethan evelyn jeremy judith walter andrea christian hannah
keith megan roger cheryl terry jacqueline austin martha sean madison gerald teresa carl gloria harold sara dylan janice arthur ann lawrence kathryn jordan abigail jesse sophia bryan frances
billy jean bruce alice gabriel judy joe isabella logan julia alan grace juan amber albert denise willie danielle elijah marilyn wayne beverly randy charlotte vincent natalie mason theresa
roy diana ralph brittany bobby doris russell kayla bradley alexis philip lori eugene marie ines yusuf priya wei chen fatima omar lena oskar freya igor zofia mateo lucia nuno aiko hiro minh linh
lan thu quang bao anh tuan hoa mei jun sora kofi ama kwame zola tariq leila amir nadia sanjay meera ravi anil sunita deepak usha olga boris dmitri irina pavel jana tomas eva lars ingrid sven`

const commonSurnames = `smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson thomas taylor moore jackson martin lee perez
thompson white harris sanchez clark ramirez lewis robinson walker young allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter roberts
gomez phillips evans turner diaz parker cruz edwards collins reyes stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox ward
richardson watson brooks chavez wood james bennett gray mendoza ruiz hughes price alvarez castillo sanders patel myers long ross foster jimenez powell jenkins perry russell sullivan bell coleman
butler henderson barnes gonzales fisher vasquez simmons romero jordan patterson alexander hamilton graham reynolds griffin wallace moreno west cole hayes bryant herrera gibson ellis tran medina`

const surnameStarts = `ab al an ar as bar ben ber bo bran bren bur cal cam car chan cor cra dal dan dar del don dor dra dun ed el em er fal far fen fer fin for gal gar gil gor gran gre
hal ham han har hart hol hum jan jar kal kel ken kil kin kor lam lan lar lin lor lun mal man mar mel mil mor nar nel nor oak ol or os pal par pem per pol pri quin ral ran rem rid rol ros rut
sal san sar sel shel sil sim sol stan ster sul tal tan tar tel thor tol tran tul ul van var vel ver vin wal wan war wel wes whit wil win wol yar yor zel`

const surnameEnds = `berg bert bury by cott croft dale den don er ers feld fer field ford gan gate ham hart holm ington kin kins land ler ley lin lock man mann mar mer mond more nell ney
ning now per ridge ris rock row sen ser shaw sky smith son stead ster stock ston ter thorpe ton tree vale ven ville vin wall ward water way well wick win wood worth yard`

// shortNames are what some are called.
var shortNames = map[string]string{"robert": "bob rob bobby", "william": "bill will billy", "james": "jim jimmy", "elizabeth": "liz beth betty", "richard": "dick rick rich", "michael": "mike mick",
	"margaret": "peggy maggie meg", "jennifer": "jen jenny", "thomas": "tom tommy", "katherine": "kate kathy katie", "catherine": "cathy kate", "christopher": "chris", "daniel": "dan danny", "anthony": "tony",
	"patricia": "pat patty trish", "joseph": "joe joey", "susan": "sue susie", "deborah": "deb debbie", "edward": "ed ted eddie", "charles": "charlie chuck", "rebecca": "becky", "stephanie": "steph", "timothy": "tim",
	"matthew": "matt", "andrew": "andy drew", "jacqueline": "jackie", "nicholas": "nick", "benjamin": "ben", "samuel": "sam", "alexander": "alex", "victoria": "vicky", "kimberly": "kim", "donald": "don", "steven": "steve",
	"kenneth": "ken", "jeffrey": "jeff", "gregory": "greg", "lawrence": "larry", "david": "dave", "ronald": "ron", "dorothy": "dot", "pamela": "pam", "samantha": "sam", "theresa": "terry", "frances": "fran"}
